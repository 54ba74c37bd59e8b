"""What every route shares: errors, guards, pagination, idempotency keys, headers, OpenAPI."""
