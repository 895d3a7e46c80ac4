"""Mends Debian's azure-cli 2.45.0 while it runs; with this folder on PYTHONPATH, Python reads this file first.

Its `az role` asks clients for `.config`, which Debian's newer azure-mgmt-authorization calls `._config`. Without this,
each of these commands ends with AttributeError. A version that does not have the fault is left as it is.
"""
import importlib.machinery
import sys

MODULE = "azure.cli.command_modules.role.custom"


class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        source = self.get_data(self.path).replace(b".config.subscription_id", b"._config.subscription_id")
        exec(compile(source, self.path, "exec"), module.__dict__)


class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        spec = super().find_spec(name, path, target) if name == MODULE else None
        if spec is not None:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


sys.meta_path.insert(0, Finder)
