/** The part of the library that is used; its own types are out of a module's reach. */
declare module 'cephes' {
  /** Settles when the functions can be called. */
  export const compiled: Promise<void>
  /** Normal distribution function. */
  export function ndtr(x: number): number
  /** Regularised incomplete beta function I_x(a, b), a and b above 0. */
  export function incbet(a: number, b: number, x: number): number
  /** The x where it is y. */
  export function incbi(a: number, b: number, y: number): number
}
