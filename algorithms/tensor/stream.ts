export type { Stream, Streams } from '#protocol/random.js'
