"""Programs that run beside the app: model conversion, training, evaluation, benchmark, soak."""
