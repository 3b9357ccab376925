import { config } from 'zod'

// Before any schema is made: zod would try whether it may make functions of text, which the policy of the page refuses and reports.
config({ jitless: true })
