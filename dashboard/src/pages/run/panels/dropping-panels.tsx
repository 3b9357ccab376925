import type { LiveRun } from '../../../server/run.js'
import { MetricCurves } from './metric-curves.js'
import css from './panels.module.css'

/** Methods that leave ever more layers out of the federation (FedD2S): which cut each round had, and what came of it. */
export const DroppingPanels = ({ run }: { readonly run: LiveRun }) => (
  <div className={css['pair']}>
    <MetricCurves
      run={run}
      title="Cut schedule"
      note="layers below the cut, which stay with clients"
      names={['cut']}
      isStepped
    />
    <MetricCurves
      run={run}
      title="Training of the heads"
      names={['head/loss', 'head/crossEntropy', 'head/divergence']}
      labels={HEADS}
    />
  </div>
)
const HEADS = {
  'head/loss': 'Loss',
  'head/crossEntropy': 'Cross-entropy',
  'head/divergence': 'Divergence from the teacher',
}
