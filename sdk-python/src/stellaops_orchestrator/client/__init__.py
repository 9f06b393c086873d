"""The parts of the Orchestrator client."""
