"""Pictures of graphs: what the nodes are (`nodes`), where they stand (`layout`), how they look (`svg`, `mermaid`)."""
