package amqp

// fields reads the list of a composite type by position. The first field of a wrong type sets err; missing and null
// fields read as absent.
type fields struct {
	list List
	err  error
}

func asFields(v any) (*fields, error) {
	l, ok := v.(List)
	if !ok {
		return nil, malformed("composite value is a %T, not a list", v)
	}
	return &fields{list: l}, nil
}

func (f *fields) at(i int) any {
	if i >= len(f.list) {
		return nil
	}
	return f.list[i]
}

func (f *fields) fail(i int, v any) {
	if f.err == nil {
		f.err = malformed("field %d has type %T", i, v)
	}
}

// optional reads field i, the zero value if it is absent.
func optional[T any](f *fields, i int) T {
	var zero T
	raw := f.at(i)
	if raw == nil {
		return zero
	}
	v, ok := raw.(T)
	if !ok {
		f.fail(i, raw)
		return zero
	}
	return v
}

// pointer reads field i, nil if it is absent.
func pointer[T any](f *fields, i int) *T {
	if f.at(i) == nil {
		return nil
	}
	v := optional[T](f, i)
	return &v
}

// required reads field i, which must be there.
func required[T any](f *fields, i int) T {
	if f.at(i) == nil {
		f.fail(i, nil)
	}
	return optional[T](f, i)
}

// text reads a symbol, or a string from a peer that does not tell them apart.
func (f *fields) text(i int) *string {
	switch v := f.at(i).(type) {
	case nil:
		return nil
	case Symbol:
		s := string(v)
		return &s
	case string:
		return &v
	default:
		f.fail(i, v)
		return nil
	}
}

// address reads an address: a string in practice, other types of address are refused.
func (f *fields) address(i int) *string { return f.text(i) }

// identifier reads a message id or correlation id.
func (f *fields) identifier(i int) any {
	switch v := f.at(i).(type) {
	case nil, uint64, UUID, []byte, string:
		return v
	default:
		f.fail(i, v)
		return nil
	}
}

// symbols reads an array of symbols, or the single symbol that stands for an array of one.
func (f *fields) symbols(i int) []Symbol {
	switch v := f.at(i).(type) {
	case nil:
		return nil
	case Symbol:
		return []Symbol{v}
	case Array:
		out := make([]Symbol, 0, len(v))
		for _, e := range v {
			s, ok := e.(Symbol)
			if !ok {
				f.fail(i, e)
				return nil
			}
			out = append(out, s)
		}
		return out
	default:
		f.fail(i, v)
		return nil
	}
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func symbolOrNil(p *string) any {
	if p == nil {
		return nil
	}
	return Symbol(*p)
}

func mapOrNil(m Map) any {
	if m == nil {
		return nil
	}
	return m
}

// composite is a described list, without the absent fields at its end.
func composite(code uint64, l List) Described {
	for len(l) > 0 && l[len(l)-1] == nil {
		l = l[:len(l)-1]
	}
	return Described{code, l}
}
