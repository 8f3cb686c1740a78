"""What gxt does, one verb a file: (workspace, request) -> result. Nothing here prints or asks."""
