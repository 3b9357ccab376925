import { describe, expect, it } from 'vitest'
import { bundleHash, makeBundle, nestBundles } from '#protocol/bundle.js'
import { travelled } from '#testing/run-rounds-in-memory.js'
import {
  calibrationBundle,
  calibrationIn,
  isBegun,
  isCalibrationDue,
  NOT_CALIBRATED,
  type CalibrationProgress,
} from './calibration-progress.js'

const bundleOf = (value: number) =>
  makeBundle([{ name: 'x', shape: [1], dtype: 'float32', data: Float32Array.of(value) }], { value })
const hashes = ({ gathered, calibrated }: CalibrationProgress) =>
  [gathered, calibrated].map((bundle) => (bundle === null ? null : bundleHash(bundle)))

describe('progress of a calibration', () => {
  it.each([
    ['gathered', { gathered: bundleOf(1), calibrated: null }],
    ['calibrated', { gathered: null, calibrated: bundleOf(2) }],
    ['both', { gathered: bundleOf(3), calibrated: bundleOf(4) }],
  ])('survives encode and decode: %s', (_, progress) => {
    const state = travelled(
      nestBundles({ method: bundleOf(0), calibration: calibrationBundle(progress) }),
    )
    expect(hashes(calibrationIn(state))).toEqual(hashes(progress))
    expect(isBegun(calibrationIn(state))).toBe(true)
  })

  it('is none in the state of a run without calibration', () => {
    expect(calibrationIn(nestBundles({ method: bundleOf(0) }))).toBe(NOT_CALIBRATED)
    expect(isBegun(NOT_CALIBRATED)).toBe(false)
  })

  const at = { trainingRounds: 3, isOver: false, isScored: false }
  it.each([
    ['final', at, false],
    ['final', { ...at, isScored: true }, false],
    ['final', { ...at, isOver: true }, true],
    ['final', { ...at, trainingRounds: 0, isOver: true }, true],
    ['every-eval', at, false],
    ['every-eval', { ...at, isScored: true }, true],
    ['every-eval', { ...at, isOver: true }, true],
    ['every-eval', { ...at, trainingRounds: 0, isScored: true }, false],
    ['every-round', at, true],
    ['every-round', { ...at, trainingRounds: 0 }, false],
  ] as const)('%s at %j: due is %s', (when, place, isDue) => {
    expect(isCalibrationDue(when, NOT_CALIBRATED, place)).toBe(isDue)
    expect(isCalibrationDue(when, { gathered: bundleOf(1), calibrated: null }, place)).toBe(isDue)
    // The same model is not calibrated twice.
    expect(isCalibrationDue(when, { gathered: null, calibrated: bundleOf(2) }, place)).toBe(false)
  })
})
