"""What people said about stimuli: odd-one-out triplets, ratings, arrangements; and how well features foretell them."""
