"""What an account's use means: metrics, scores, bands, silence. Pure: no clock, no I/O, integers and Fractions only."""
