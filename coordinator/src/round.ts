// Draft of the round loop; see the plan. To be completed by the coordinator's author.
export {}
