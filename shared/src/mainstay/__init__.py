"""What two or more of Mainstay's services need: contracts, messaging, database, web and testing kits."""
