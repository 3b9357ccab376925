/** The part of the library that is used; its own types are out of a module's reach. */
declare module 'cephes' {
  /** Settles when the functions can be called. */
  export const compiled: Promise<void>
  /** Normal distribution function. */
  export function ndtr(x: number): number
}
