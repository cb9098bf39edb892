"""A long run with a person who never rests: does anything grow, leak or stop?"""
