export { meanAndSpread, percent } from '#simulations/report/numbers.js'
export const shortHash = (hash: string): string => hash.slice(0, 12)
