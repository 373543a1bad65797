"""The four forms of an export: C, JSON, memh and npz."""
