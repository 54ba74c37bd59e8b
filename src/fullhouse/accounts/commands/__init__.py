"""What people do with their accounts: one function for each intention."""
