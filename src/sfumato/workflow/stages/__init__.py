"""The stages: what each job reads, said once, one stage a file."""
