import { ATTACKS, type Attack, type AttackName } from '#algorithms/audit/attack.js'
import { analytic } from './analytic.js'
import { dlg } from './dlg.js'
import { ggl } from './ggl.js'
import { gi } from './gi.js'
import { gias } from './gias.js'
import { gifdCma } from './gifd-cma.js'
import { gifd } from './gifd.js'
import { idlg } from './idlg.js'
import { ig } from './ig.js'
import { latent } from './latent.js'

const BY_NAME: Readonly<Record<AttackName, Attack>> = {
  ...{ analytic, latent, gifd, ig, gi, gias, ggl, dlg, idlg },
  'gifd-cma': gifdCma,
}

/** Every attack, in the order in which an audit tries them. */
export const ATTACK_LIST: readonly Attack[] = ATTACKS.map((name) => BY_NAME[name])
