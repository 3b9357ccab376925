/** The tensor [M, D] of key vectors that pre-training leaves beside the params. */
export const PRETRAINED_KEYS = 'pretrain/keys'

/** Deviation of a key's numbers as keys are drawn: a key of D numbers is about this times √D long, wherever it comes from. */
export const KEY_DEVIATION = 0.02
