"""What the cleansing has refused: by which rules, which records, and the way back."""
