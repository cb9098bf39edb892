"""Analysis on many machines, with Ray. Needs the packages of the extra `cluster`, imported on first use."""
