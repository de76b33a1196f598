"""The frame that writes SavedModels and reads them; it knows no model."""
