"""Every event of Mainstay, declared once: one module for each service that owns some, and the topics they travel on."""
