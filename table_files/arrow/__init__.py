"""What Arrow reads: CSV and Parquet, and its columns in numpy's types."""
