# SPDX-License-Identifier: Apache-2.0
"""Code of wrappers: same parameters and flags as the function, every line that of its `def`.

A wrapper's constants are marker strings when it is compiled, and are then replaced. The names of its
own variables begin with _wf; # stands for that below. A signal handler may raise between any two
lines, so all is inside of the `try`: until there is a token, #t is the probe, by which {leave} finds
it; a second {leave} does nothing.
"""

PLAIN = '''
#l = {leave}
#t = {probe}
try:
 #t = {enter}(#t{entry})
 #r = {awaiting}{call}
 #l(#t{exit})
except {base} as #e:
 #l(#t, #e{exit_raised})
 raise
return #r
'''
TRACKED = '''
#l = {leave}
#d = {drive}
#t = {probe}
try:
 #t = {enter}(#t{entry})
 #r = {awaiting}#d(#t, {call})
 #l(#t{exit})
except {base} as #e:
 #l(#t, #e{exit_raised})
 raise
return #r
'''
ASYNC_GENERATOR_BODY = '''
#l = {leave}
#u = {suspend}
#v = {resume}
#t = {probe}
try:
 #t = {enter}(#t{entry})
 #g = {call}
 try:
  #y = await #g.__anext__()
 except {stop}:
  #l(#t{exit_end})
  return
 while 1:
  #u(#t)
  try:
   #s = yield #y
  except {closed}:
   #v(#t)
   await #g.aclose()
   raise
  except {base} as #e:
   #v(#t)
   try:
    #y = await #g.athrow(#e)
   except {stop}:
    #l(#t{exit_end})
    return
   continue
  #v(#t)
  try:
   #y = await #g.asend(#s)
  except {stop}:
   #l(#t{exit_end})
   return
except {base} as #e:
 #l(#t, #e{exit_raised})
 raise
'''
EVENT = '''
{enter}({probe}{entry})
return {awaiting}{call}
'''
HOOK = '''
#a = {post}
#t = {enter}({self})
#r = None
try:
 #r = {call}
 return #r
finally:
 #a({self}, #t, #r)
'''

MARK = '\0wf:'
COMPILED = {}
COMPILED_MAX = 2000


def marked(name):
    return repr(MARK + name)


def is_mark(constant):
    return type(constant) is str and constant.startswith(MARK)


def body_of(flags, tracked, event):
    if flags & ASYNC_GENERATOR:
        return ASYNC_GENERATOR_BODY
    if event:
        return EVENT
    if flags & GENERATOR or (flags & COROUTINE and tracked):
        return TRACKED
    return PLAIN


def source_of(shape, body, plan, call):
    """The text of a wrapper; `call` calls the function that it stands for."""
    flags = shape.code.co_flags
    awaiting = ''
    if flags & COROUTINE:
        awaiting = 'await '
    elif flags & GENERATOR:
        awaiting = 'yield from '
    names = {name: marked(name) for name in ('leave', 'drive', 'suspend', 'resume', 'probe', 'base',
                                             'stop', 'closed', 'post')}
    values = ''.join(', ' + name for name in plan.exit_names) if plan else ''
    entry = ''.join(', ' + name for name in plan.entry_names) if plan else ''
    text = body.format(
        awaiting=awaiting, call=call, entry=entry, enter='#n', self=(shape.positional or ['None'])[0],
        exit=', None, #r' + values if plan and plan.wants_exit else '',
        exit_raised=', None' + values if values else '',
        exit_end=', None, None' + values if values else '', **names)
    prefix = '_wf'
    while any(name.startswith(prefix) for name in shape.names):
        prefix += '_'
    calls = [('n', 'enter')] + ([('o', 'original')] if '#o(' in text else [])
    text = ''.join('#%s = %s\n' % (name, marked(mark)) for name, mark in calls) + text.lstrip('\n')
    text = text.replace('#', prefix)
    head = '%sdef %s_w(%s):\n' % ('async ' if flags & (COROUTINE | ASYNC_GENERATOR) else '', prefix,
                                  shape.signature())
    return head + ''.join(' ' + line + '\n' for line in text.splitlines())


def nested_source(text, code, shape):
    """The same inside a function that owns the free variables, calling an inner function that the
    original code is put into."""
    head, rest = text.split('\n', 1)
    names = ', '.join(code.co_freevars) + ',' if code.co_freevars else 'None'
    lines = ['def _wf_owner():'] + [' %s = None' % name for name in code.co_freevars]
    lines += [' ' + head, '  def _wf_inner(): return (%s)' % names]
    return '\n'.join(lines + [' ' + line for line in rest.splitlines()]) + '\n'


def flatten(node):
    """Every node on line 1, since the line table is relative to the first line of the code."""
    stack = [node]
    while stack:
        node = stack.pop()
        for name in getattr(node, '_attributes', ()):
            if hasattr(node, name):
                setattr(node, name, 1 if name.endswith('lineno') else 0)
        for name in node._fields:
            value = getattr(node, name, None)
            for item in value if isinstance(value, list) else [value]:
                if hasattr(item, '_fields'):
                    stack.append(item)


def codes_in(code):
    return [c for c in code.co_consts if type(c) is CodeType]


def compile_text(text):
    """The code of the one function in a text; texts repeat, since parameters are few."""
    if text not in COMPILED:
        if len(COMPILED) >= COMPILED_MAX:
            COMPILED.clear()
        only_tree, no_inherit = 0x400, True
        tree = compile(text, '<wftrace>', 'exec', only_tree, no_inherit)
        flatten(tree)
        COMPILED[text] = codes_in(compile(tree, '<wftrace>', 'exec', 0, no_inherit))[0]
    return COMPILED[text]


def finish(wrapper, code, values, inner=None):
    """The wrapper as the code that a function gets instead of `code`."""
    consts = []
    for constant in wrapper.co_consts:
        if is_mark(constant):
            constant = values[constant[len(MARK):]]
        elif inner is not None and constant is inner:
            constant = code
        consts.append(constant)
    fields = {'co_consts': tuple(consts), 'co_name': code.co_name, 'co_filename': code.co_filename,
              'co_firstlineno': code.co_firstlineno, 'co_freevars': code.co_freevars,
              'co_flags': wrapper.co_flags | code.co_flags & (ITERABLE_COROUTINE | NESTED)}
    if VERSION >= (3, 11):
        fields['co_qualname'] = code.co_qualname
    return wrapper.replace(**fields)
