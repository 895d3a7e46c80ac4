package diagnosis

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestError(t *testing.T) {
	cause := errors.New("secret body")
	err := &Error{Diagnosis: New("not-provisioned", WithDetail("It is pending.")), Err: cause}
	assert.Equal(t, "not-provisioned: It is pending.", err.Error())
	require.ErrorIs(t, err, cause)
	assert.Equal(t, "x: t", (&Error{Diagnosis: Diagnosis{Code: "x", Title: "t"}}).Error())
}
