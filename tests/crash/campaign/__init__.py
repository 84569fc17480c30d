"""The crash campaign: many refunds while processes are killed and providers fail; then the store and every provider's
own books must agree, cent for cent. ``python -m crash.campaign --help`` says how to run it; `docs/money.md` what it
proves.
"""
