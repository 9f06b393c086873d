"""The SBOM demo's task runner for Python manifests."""
