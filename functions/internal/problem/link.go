package problem

import (
	"context"
	"reflect"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

type baseKey struct{}

// baseOf is the app's public URL, as Handler was given it; empty where it is not known.
func baseOf(ctx context.Context) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base
}

// linked is an answer whose diagnoses link to the pages of their codes by absolute URLs. What was handed in stays as
// it is: others may hold it.
func linked(body any, base string) any {
	v := reflect.ValueOf(body)
	if !v.IsValid() || !hasDiagnosis(v.Type(), map[reflect.Type]bool{}) {
		return body
	}
	return copied(v, base).Interface()
}

var diagnosisType = reflect.TypeFor[diagnosis.Diagnosis]()

// hasDiagnosis reports whether a value of the type may hold one.
func hasDiagnosis(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == diagnosisType {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return hasDiagnosis(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() && hasDiagnosis(t.Field(i).Type, seen) {
				return true
			}
		}
	default:
	}
	return false
}

// copied copies what leads to a diagnosis, and links it.
func copied(v reflect.Value, base string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch {
	case !hasDiagnosis(v.Type(), map[reflect.Type]bool{}):
	case v.Type() == diagnosisType:
		d := v.Interface().(diagnosis.Diagnosis)
		d.Type = diagnosis.TypeOf(base, d.Code)
		out.Set(reflect.ValueOf(d))
	case v.Kind() == reflect.Pointer && !v.IsNil():
		out = reflect.New(v.Type().Elem())
		out.Elem().Set(copied(v.Elem(), base))
	case v.Kind() == reflect.Slice && !v.IsNil():
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(copied(v.Index(i), base))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(copied(v.Field(i), base))
			}
		}
	}
	return out
}
