"""What retour costs, measured side by side: ``python -m benchmarks`` from the project's root."""
