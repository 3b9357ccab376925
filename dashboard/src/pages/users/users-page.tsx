import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { count } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { Busy } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import type { Sort } from '../../parts/sorting.js'
import { Table } from '../../parts/table.js'
import { problemOf } from '../../server/api.js'
import { usersQuery } from '../../server/queries.js'
import { useSession } from '../../server/session.js'
import { AddUser, ChangeRole, NewCode, RevokeUser } from './act-windows.js'
import { userColumns, type UserAct } from './columns.js'
import type { User } from './user-words.js'

const WINDOWS = { code: NewCode, role: ChangeRole, revoke: RevokeUser } as const

/** The people who may sign in. */
export function UsersPage() {
  const { data: users, error, refetch } = useQuery(usersQuery)
  const { name } = useSession()
  const [sort, setSort] = useState<Sort>({ by: 'state', isDescending: false })
  const [isAdding, setIsAdding] = useState(false)
  const [chosen, setChosen] = useState<{ readonly user: User; readonly act: UserAct } | null>(null)
  const columns = useMemo(() => userColumns(name, (user, act) => setChosen({ user, act })), [name])
  const ChosenWindow = chosen === null ? null : WINDOWS[chosen.act]
  const add = (
    <Button look="primary" icon={Plus} onPress={() => setIsAdding(true)}>
      Add a person
    </Button>
  )
  if (users === undefined)
    return (
      <Page title="Users">
        {error === null ? (
          <Busy label="Loading users …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  return (
    <Page title="Users" note={count(users.length)} actions={add} isFlush>
      <Table
        caption="Users"
        columns={columns}
        rows={users}
        keyOf={(user) => user.name}
        sort={sort}
        onSort={setSort}
      />
      {isAdding && <AddUser onClose={() => setIsAdding(false)} />}
      {chosen !== null && ChosenWindow !== null && (
        <ChosenWindow user={chosen.user} onClose={() => setChosen(null)} />
      )}
    </Page>
  )
}
