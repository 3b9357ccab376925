import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { cnn } from './cnn.js'
import { flat } from './flat.js'
import { gap } from './gap.js'
import { lenet } from './lenet.js'
import { logistic } from './logistic.js'
import { mlp } from './mlp.js'
import { vit } from './vit.js'

/** Every model that a configuration can name. */
export const MODELS: readonly ModelEntry[] = [logistic, mlp, cnn, lenet, vit, gap, flat]
