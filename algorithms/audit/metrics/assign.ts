import { linearSumAssignment } from 'linear-sum-assignment'
import { meanSquaredError } from './pictures.js'

/**
 * Which reconstruction belongs to which record: the assignment with the least sum of squared errors (gifd specification
 * §13.5). `costs[a][b]` is the cost of reconstruction a for record b; returns the reconstruction of each record. Square.
 */
export function cheapestAssignment(costs: readonly (readonly number[])[]): readonly number[] {
  const { rowAssignments } = linearSumAssignment(
    costs.map((row) => [...row]),
    { maximaze: false },
  )
  const ofRecord = new Array<number>(costs.length)
  Array.from(rowAssignments).forEach((record, reconstruction) => {
    ofRecord[record] = reconstruction
  })
  return ofRecord
}

/** The reconstructions in the order of the records. */
export function assigned(
  reconstructions: readonly Float32Array[],
  records: readonly Float32Array[],
): readonly Float32Array[] {
  const costs = reconstructions.map((a) => records.map((b) => meanSquaredError(a, b)))
  return cheapestAssignment(costs).map((reconstruction) => reconstructions[reconstruction]!)
}
