package control

import (
	"regexp"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// isOfLinks tells whether a fault is for operations on AMQP links. Its method has to say so: one that matches any
// method is for HTTP.
func isOfLinks(method *regexp.Regexp) bool {
	return method.String() != "" && !method.MatchString("GET") &&
		(method.MatchString(servicebus.OperationSend) || method.MatchString(servicebus.OperationSettle))
}

// checkLink refuses what an AMQP link has no place for.
func (f Fault) checkLink(method *regexp.Regexp, pointer string) error {
	if !isOfLinks(method) {
		return nil
	}
	for member, isSet := range map[string]bool{"status": f.Status != 0, "body": f.Body != nil,
		"headers": f.Headers != nil,
		"echo":    f.Echo, "delayMs": f.DelayMS != 0} {
		if isSet {
			return &strictjson.Error{Pointer: pointer + "/" + member, Member: member,
				Detail: "is for HTTP; a fault of AMQP has code, message and effect"}
		}
	}
	return nil
}

// DisturbLink is what happens to an operation on an AMQP link: an option of the broker. Host is not compared.
func (f *Faults) DisturbLink(operation, path string) (servicebus.Disturbance, bool) {
	fault, ok := f.takeFirst(func(a *armed) bool {
		return isOfLinks(a.method) && a.method.MatchString(operation) && a.path.MatchString(path)
	})
	return servicebus.Disturbance{Done: fault.Effect != EffectBefore, Cut: fault.Effect == EffectDrop,
		Code: servicebus.Condition(fault.Code), Message: fault.Message}, ok
}
