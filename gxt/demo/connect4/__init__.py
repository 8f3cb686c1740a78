"""How does strength at Connect Four scale with brain size?

The stages of the pipeline in `dvc.yaml`: `ladder` and `prepare`, then `train`, then `evaluate`. Each is a
module that reads `params.yaml` in the working directory. Of gxt they use what every script can: `import gxt`.
"""
