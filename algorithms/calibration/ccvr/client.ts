import { FederationError } from '#protocol/errors.js'
import type { ClientHalf, MethodSetup } from '#algorithms/methods/method.js'
import type { CcvrHyper } from './hyper.js'

export const ccvrClient = (_setup: MethodSetup<CcvrHyper>): Pick<ClientHalf, 'perform'> => ({
  perform: () => {
    throw new FederationError('internal/bug', 'to come')
  },
})
