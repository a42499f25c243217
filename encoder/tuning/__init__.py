"""The parts of a deep fine-tuning; `encoder.finetune` is its face."""
