# SPDX-License-Identifier: Apache-2.0
"""Work that is given to another thread or process keeps its parent.

The token rides on the object that carries the work, so that it is freed with it. To another process
go plain numbers. Hooks must never disturb: what fails in them is swallowed.
"""

CARRIED = '_wftrace'


def quiet(hook):
    """The hook, and silence where it fails."""
    def run(*arguments):
        try:
            return hook(*arguments)
        except Exception:
            return None
    return run


def nothing(*_arguments):
    return None


def give_token(carrier, _note=None, _result=None):
    token = STATE.native.current()
    if token is not None:
        object.__setattr__(carrier, CARRIED, token)


def take_token(carrier):
    """Adopts what it carries; the note brings back what was there before."""
    token = own_dict(carrier).pop(CARRIED, None)
    if token is None:
        return None
    before = STATE.native.current()
    STATE.native.adopt(token)
    return (before,)


def take_token_for_thread(thread):
    token = own_dict(thread).pop(CARRIED, None)
    if token is None:
        return None
    context = own_dict(thread).get('_context')
    if context is not None:  # from 3.14 on the thread's own function runs in a context of its own
        context.run(STATE.native.adopt, token)
    else:
        STATE.native.adopt(token)
    return None


def put_back(_carrier, note, _result):
    if note is not None:
        STATE.native.adopt(note[0])


def give_ids(carrier, _note=None, _result=None):
    token = STATE.native.current()
    if token is not None:
        object.__setattr__(carrier, CARRIED, STATE.native.ids(token))


def forget(carrier, _note, _result):
    own_dict(carrier).pop(CARRIED, None)


def take_ids(carrier):
    ids = own_dict(carrier).pop(CARRIED, None)
    STATE.native.adopt(STATE.native.foreign(*ids) if ids else None)
    return None


def begin_process(process):
    """A spawned child has made its __main__ only now."""
    if STATE.refused or STATE.waiting:
        rescan('__main__')
    return take_ids(process)


def give_call_item(item, _note, _result):
    """The item is made in the manager thread; the work item that it is made of stands in a frame."""
    frame = sys._getframe(1)
    for _ in range(8):
        work = frame.f_locals.get('work_item') if frame is not None else None
        if work is not None:
            ids = own_dict(work).get(CARRIED)
            if ids:
                object.__setattr__(item, CARRIED, ids)
            return
        frame = frame.f_back if frame is not None else None


def take_call_item(_queue, _note, result):
    process = sys.modules.get('concurrent.futures.process')
    if process is not None and type(result) is process._CallItem:
        take_ids(result)


HAND_OFFS = (
    # module, class, function, before(self), after(self, note, result)
    ('concurrent.futures.thread', '_WorkItem', '__init__', nothing, give_token),
    ('concurrent.futures.thread', '_WorkItem', 'run', take_token, put_back),
    ('threading', 'Thread', 'start', give_token, nothing),
    ('threading', 'Thread', '_bootstrap_inner', take_token_for_thread, nothing),
    ('concurrent.futures.process', '_WorkItem', '__init__', nothing, give_ids),
    ('concurrent.futures.process', '_CallItem', '__init__', nothing, give_call_item),
    ('multiprocessing.queues', 'Queue', 'get', nothing, take_call_item),
    ('multiprocessing.process', 'BaseProcess', 'start', give_ids, forget),
    ('multiprocessing.process', 'BaseProcess', '_bootstrap', begin_process, nothing),
)


def hook_once(name, function, before, after, arguments=1):
    """Put a hook in place, unless it is there; it gets that many arguments of the call."""
    if name in STATE.hooked:
        return
    STATE.hooked.add(name)
    try:
        STATE.hooks.append(swap_hook(function, quiet(before), quiet(after), arguments))
    except Refusal:
        pass


def hand_offs():
    if not STATE.request.get('handoff', True):
        return
    for module_name, class_name, name, before, after in HAND_OFFS:
        module = sys.modules.get(module_name)
        cls = own_dict(module).get(class_name) if module is not None else None
        function = own_dict(cls).get(name) if isinstance(cls, type) else None
        if type(function) is FunctionType:
            hook_once('%s.%s.%s' % (module_name, class_name, name), function, before, after)
