import { FATES, type Fate } from './code-words.js'
import { HEIGHTS, LANE_HEIGHT } from './lanes.js'
import css from './timeline.module.css'

export const FATE_LABELS: Readonly<Record<Fate, string>> = {
  asked: 'Not heard yet',
  accepted: 'Accepted',
  late: 'Late',
  refused: 'Refused',
  failed: 'Failed',
}

/** What shapes and colours of a timeline mean. */
export const FateKeys = () => (
  <ul className={css['keys']} aria-label="Meaning of the marks">
    {FATES.map((fate) => (
      <li key={fate} className={css['key']}>
        <svg width="8" height={LANE_HEIGHT - 4} viewBox={`0 0 8 ${LANE_HEIGHT}`} aria-hidden="true">
          <rect
            className={css[fate]}
            y={LANE_HEIGHT - HEIGHTS[fate]}
            width="8"
            height={HEIGHTS[fate]}
          />
        </svg>
        {FATE_LABELS[fate]}
      </li>
    ))}
  </ul>
)
