"""What an alert is, when one begins and ends, and what a person is told: pure, without input or output."""
