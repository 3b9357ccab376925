/** Seeded randomness (see `#protocol/random.js`, which needs no tensors) for everything that computes with tensors. */
export { createStreams, type Stream, type Streams } from '#protocol/random.js'
