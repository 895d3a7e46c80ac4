package platform

import "github.com/ddoe-ai/azure-wif/infra/sandbox/world"

// arrived tells whether an object is as old as a quirk's `ms` asks for; without the quirk it is.
func (g *gate) arrived(o world.Object, quirk string) bool {
	lag, lags := number(g.quirk(quirk), "ms")
	made, dated := number(o, "createdAt")
	return !lags || !dated || g.world.Now().UnixMilli() >= made+lag
}

// stillCounted notes in the quirk for lagging counts, if it is on, that an integration has lost a driver now.
func (g *gate) stillCounted(integration string) error {
	if !g.has(QuirkDriverCountLag) {
		return nil
	}
	now := g.world.Now().UnixMilli()
	_, err := g.world.ChangeDDOEObject(world.DDOEQuirks, QuirkDriverCountLag, func(quirk world.Object, _ []world.Object) (world.Object, error) {
		if quirk != nil { // else it was switched off meanwhile
			deleted, _ := quirk["deleted"].([]any)
			quirk["deleted"] = append(deleted, world.Object{"integrationId": integration, "at": now})
		}
		return quirk, nil
	})
	return err
}

// countDrivers counts the drivers that use an integration, or that did so a while ago.
func (g *gate) countDrivers(integration string) int {
	quirk := g.quirk(QuirkDriverCountLag)
	count := 0
	for _, driver := range g.driversOf(integration) {
		if g.arrived(driver, QuirkDriverCountLag) {
			count++
		}
	}
	lag, _ := number(quirk, "ms")
	deleted, _ := quirk["deleted"].([]any)
	for _, one := range deleted {
		driver, _ := one.(world.Object)
		if at, _ := number(driver, "at"); text(driver, "integrationId") == integration && g.world.Now().UnixMilli() < at+lag {
			count++
		}
	}
	return count
}
