import { useNavigate } from '@tanstack/react-router'
import { GitCompareArrows, X } from 'lucide-react'
import { useState } from 'react'
import type { RunLine } from '#protocol/run-views.js'
import { Button, IconButton } from '../../parts/button.js'
import type { Selection } from '../../parts/table.js'
import { MOST_COMPARED } from '../compare/search.js'

/** Runs that are chosen to be compared; those that are no more are none. */
export function useSelection(runs: readonly RunLine[] | undefined): Selection {
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set())
  const names = new Map<string, string>(runs?.map(({ runId, name }) => [runId, name]))
  return {
    keys: new Set([...keys].filter((key) => names.has(key))),
    onChange: setKeys,
    label: (key) => `Compare ${names.get(key) ?? key}`,
    most: MOST_COMPARED,
  }
}

/** Leads to the chosen runs beside each other. */
export function Compare({
  chosen,
  onClear,
}: {
  readonly chosen: ReadonlySet<string>
  readonly onClear: () => void
}) {
  const navigate = useNavigate()
  const isFew = chosen.size < 2
  return (
    <>
      <IconButton label="Choose none" icon={X} onPress={onClear} />
      <Button
        icon={GitCompareArrows}
        isDisabled={isFew}
        onPress={() => void navigate({ to: '/compare', search: { run: [...chosen] } })}
      >
        {isFew ? 'Choose another' : `Compare ${chosen.size}`}
      </Button>
    </>
  )
}
