"""Labels at Sendcloud's sandbox while processes die: bought, replaced and cancelled by customers and staff, scanned by
a carrier, told of by webhooks that come late, twice, in any order or never; then an audit against the sandbox's
ledger."""
