import { FederationError } from '#protocol/errors.js'
import type { LayeredGenerator } from './layered-generator.js'

const shapeText = (shape: readonly number[]): string => shape.join(' × ')

/** Throws `config/impossible` when the generator makes pictures of another size than records have. */
export function assertMakes(
  { name, imageShape }: Pick<LayeredGenerator, 'name' | 'imageShape'>,
  inputShape: readonly number[],
): void {
  if (shapeText(imageShape) === shapeText(inputShape)) return
  throw new FederationError(
    'config/impossible',
    `generator: ${name} makes pictures of ${shapeText(imageShape)}, run.task has inputs of ${shapeText(inputShape)}`,
  )
}
