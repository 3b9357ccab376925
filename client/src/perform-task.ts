// Draft: one task, performed. See the plan.
export {}
