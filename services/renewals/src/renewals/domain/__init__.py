"""The rules of contracts and renewals. Pure: the standard library and mainstay.kernel only."""
