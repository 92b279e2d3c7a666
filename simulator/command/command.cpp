// penstock simulate.
