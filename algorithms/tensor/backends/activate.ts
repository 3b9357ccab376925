import { tf } from '#algorithms/tensor/tf.js'
import { FederationError, asFederationError } from '#protocol/errors.js'

/** Makes a registered backend current, or throws `backend/broken` with the reason. */
export async function activate(registeredName: string, name: string): Promise<void> {
  let current: boolean
  try {
    current = await tf.setBackend(registeredName)
    await tf.ready()
  } catch (error) {
    throw asFederationError(error, 'backend/broken')
  }
  if (!current || tf.getBackend() !== registeredName) {
    throw new FederationError('backend/broken', `The backend ${name} is here but did not start`)
  }
}

export const TFJS = `tfjs ${tf.version_core}`
