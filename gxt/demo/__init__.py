"""The project's own tracked training: it uses only what everybody can, `import gxt`."""
